// core/time_format.cc
