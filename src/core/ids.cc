// core/ids.cc
