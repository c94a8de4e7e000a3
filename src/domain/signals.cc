// domain/signals.cc
