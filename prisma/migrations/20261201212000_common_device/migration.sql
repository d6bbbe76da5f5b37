-- Jobs that queue for the same devices: when one of them starts, the others wait for it without selecting their devices again.
alter table job add column common_device text collate "C";
comment on column job.common_device is
  'A device that the job has in common with the job that it waits for. Null while it waits for none.';
