// core/system_clock.cc
