// core/names.cc
