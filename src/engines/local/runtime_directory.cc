// engines/local/runtime_directory.cc
