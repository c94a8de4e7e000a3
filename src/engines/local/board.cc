// engines/local/board.cc
