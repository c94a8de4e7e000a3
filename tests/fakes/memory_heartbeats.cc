// fakes/memory_heartbeats.cc
