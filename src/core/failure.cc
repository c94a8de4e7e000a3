// core/failure.cc
