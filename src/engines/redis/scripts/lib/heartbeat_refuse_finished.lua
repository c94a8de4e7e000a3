-- A finished incarnation neither beats nor renews: {"finished", final status}.
if finished > 0 then return {'finished', string.sub(record, 118, 117 + status_size)} end
