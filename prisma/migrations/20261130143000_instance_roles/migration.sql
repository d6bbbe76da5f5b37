-- What each instance does. Those of earlier releases, which may still run, do everything.
alter table instance add column roles text[] not null default '{gateway,api,worker}';
