// workspace.cc
