-- What each instance has recently been asked for, by throttle: the instances divide the throttles by it.
alter table instance add column demand jsonb not null default '{}';
