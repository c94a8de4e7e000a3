// core/json.cc
