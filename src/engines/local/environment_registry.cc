// engines/local/environment_registry.cc
