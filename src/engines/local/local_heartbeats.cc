// engines/local/local_heartbeats.cc
