// core/fork_guard.cc
