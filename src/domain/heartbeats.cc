// domain/heartbeats.cc
