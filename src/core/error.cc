// core/error.cc
