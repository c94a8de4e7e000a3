// engines/local/doorbell.cc
