// domain/signal_pump.cc
