-- Dead letters are kept after they are resolved, and read by age over all stores, one by its id alone, and by engines
-- that ask once a second for those to be replayed: each of these read all there ever were.
create index dead_letters_newest on dead_letters (id);

create index dead_letters_to_replay on dead_letters (consumer, tenant_id, tenant_seq) where state = 'replay_requested';
