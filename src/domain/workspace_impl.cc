// domain/workspace_impl.cc
