-- What a customer sees of a quote: public links, and what they did with them. Only a hash of the token is kept.

create table quote_links (
  tenant_id uuid not null,
  id uuid not null,
  quote_id uuid not null,
  token_hash bytea not null check (length(token_hash) = 32),
  created_by uuid,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  first_seen_at timestamptz,
  last_seen_at timestamptz,
  views integer not null default 0 check (views >= 0),
  primary key (tenant_id, id),
  unique (tenant_id, token_hash),
  foreign key (tenant_id, quote_id) references quotes (tenant_id, id),
  foreign key (tenant_id, created_by) references users (tenant_id, id)
);
create index quote_links_of_quote on quote_links (tenant_id, quote_id, id);
call secure_tenant_table('quote_links');
