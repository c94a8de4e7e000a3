// engines/host/proc_process_table.cc
