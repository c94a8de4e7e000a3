// fakes/memory_signals.cc
