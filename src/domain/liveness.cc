// domain/liveness.cc
