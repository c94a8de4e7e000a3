// engines/local/reclaim.cc
