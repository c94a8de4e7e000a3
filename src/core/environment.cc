// core/environment.cc
