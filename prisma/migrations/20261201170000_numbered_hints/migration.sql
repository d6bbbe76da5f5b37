-- The number of the last hint that an instance has sent, so that the others notice when one has not arrived.
alter table instance add column hints bigint not null default 0;
