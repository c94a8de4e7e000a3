// engines/local/local_signals.cc
