-- The catalogue: products with their price history, customers and their sites (obras).

-- How people search: words, accents and case and punctuation ignored. The leading blank lets a pattern
-- ('% cim%') ask for the beginning of a word. unaccent leaves superscripts alone; a yard sells by the m².
create function search_words(given text) returns text
language sql immutable parallel safe strict
return ' ' || btrim(regexp_replace(search_text(translate(given, '¹²³', '123')), '[^[:alnum:]]+', ' ', 'g'));

-- The words of a question, the longest (most selective) first; more than eight add nothing.
create function search_terms(question text) returns text[]
language sql immutable parallel safe strict
return (
  select array_agg(word order by length(word) desc, word)
  from (
    select distinct word
    from unnest((string_to_array(btrim(search_words(question)), ' '))[1:8]) as word
    where word <> ''
  ) as words
);

-- One LIKE pattern per word, the most selective first. Words under three letters have no trigram of their own
-- and match only where a word begins. No escaping: search_words leaves letters and digits.
create function search_patterns(question text) returns text[]
language sql immutable parallel safe strict
return (
  select array_agg(case when length(word) < 3 then '% ' || word || '%' else '%' || word || '%' end order by place)
  from unnest(search_terms(question)) with ordinality as terms (word, place)
);

-- How far a row is from the words of a misspelt question: 0 (every word there) to 1000 (nothing alike).
create function search_distance(terms text[], words text) returns integer
language sql immutable parallel safe strict
return (select 1000 - round(1000 * avg(word_similarity(word, words)))::integer from unnest(terms) as word);

-- Row level security lets only leakproof conditions into an index scan, so that no operator can be made to tell
-- of rows before the policy has hidden them. LIKE and word similarity raise no error that depends on the row's
-- text, so they leak nothing; saying so takes a superuser. Where the migration runs without one, searches give the
-- same answers from a scan of the store's own rows.
do $$
begin
  if (select rolsuper from pg_roles where rolname = current_user) then
    alter function pg_catalog.textlike(text, text) leakproof;
    alter function word_similarity_commutator_op(text, text) leakproof;
  end if;
end
$$;


create table products (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  sku text not null check (length(sku) between 1 and 60),
  name text not null check (length(name) between 1 and 200),
  description text check (length(description) <= 4000),
  category text check (length(category) between 1 and 80),
  unit text not null check (
    unit in (
      'UN', 'PC', 'SC', 'KG', 'G', 'T', 'M', 'M2', 'M3', 'L', 'ML', 'CX', 'PCT', 'RL', 'BR', 'CJ', 'PAR', 'GL',
      'LT', 'BD', 'FD', 'MIL', 'CT', 'PL'
    )
  ),
  base_price numeric(14, 2) not null check (base_price between 0 and 999999999999.99),
  cost numeric(14, 2) check (cost between 0 and 999999999999.99),
  barcode text check (barcode ~ '^([0-9]{8}|[0-9]{12,14})$'),
  weight_kg numeric(14, 3) check (weight_kg between 0 and 99999999999.999),
  volume_m3 numeric(14, 6) check (volume_m3 between 0 and 99999999.999999),
  -- [{"unit": "PL", "quantity": "50.000"}]: one pallet holds 50 of the product's own unit.
  unit_conversions jsonb not null default '[]' check (
    jsonb_typeof(unit_conversions) = 'array' and pg_column_size(unit_conversions) <= 2048
  ),
  active boolean not null default true,
  version integer not null default 1 check (version > 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  sku_key text not null generated always as (lower(sku)) stored,
  name_key text not null generated always as (search_text(name)) stored,
  -- The code is there twice so that both "CIM-50" and "CIM50" find it.
  search text not null generated always as (
    search_words(
      name || ' ' || sku || ' ' || regexp_replace(sku, '[^[:alnum:]]', '', 'g') || ' ' || coalesce(barcode, '')
    )
  ) stored,
  primary key (tenant_id, id)
);
create unique index products_sku_key on products (tenant_id, sku_key);
create index products_by_barcode on products (tenant_id, barcode) where barcode is not null;
create index products_by_name on products (tenant_id, name_key, id);
create index products_by_created on products (tenant_id, created_at, id);
create index products_by_category on products (tenant_id, category, name_key, id);
create index products_search on products using gin (tenant_id, search gin_trgm_ops) with (fastupdate = off);
call secure_tenant_table('products');

create table product_prices (
  tenant_id uuid not null,
  id uuid not null,
  product_id uuid not null,
  -- Empty on the first row of a product only.
  previous numeric(14, 2) check (previous between 0 and 999999999999.99),
  price numeric(14, 2) not null check (price between 0 and 999999999999.99),
  changed_by uuid,
  changed_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, product_id) references products (tenant_id, id),
  foreign key (tenant_id, changed_by) references users (tenant_id, id)
);
create index product_prices_by_product on product_prices (tenant_id, product_id, changed_at, id);
call secure_tenant_table('product_prices');

create table customers (
  tenant_id uuid not null references tenants (id),
  id uuid not null,
  kind text not null check (kind in ('person', 'company')),
  name text not null check (length(name) between 1 and 200),
  document text check (
    case kind
      when 'person' then document ~ '^[0-9]{11}$'
      else document ~ '^[0-9A-Z]{12}[0-9]{2}$'
    end
  ),
  email text check (length(email) between 3 and 254),
  phone text check (length(phone) between 8 and 30),
  address text check (length(address) between 1 and 500),
  postal_code text check (postal_code ~ '^[0-9]{8}$'),
  notes text check (length(notes) <= 4000),
  active boolean not null default true,
  version integer not null default 1 check (version > 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  name_key text not null generated always as (search_text(name)) stored,
  search text not null generated always as (
    search_words(
      name || ' ' || coalesce(document, '') || ' ' || coalesce(email, '') || ' '
      || regexp_replace(coalesce(phone, ''), '[^0-9]', '', 'g')
    )
  ) stored,
  primary key (tenant_id, id)
);
create unique index customers_document_key on customers (tenant_id, document);
create index customers_by_name on customers (tenant_id, name_key, id);
create index customers_by_created on customers (tenant_id, created_at, id);
create index customers_search on customers using gin (tenant_id, search gin_trgm_ops) with (fastupdate = off);
call secure_tenant_table('customers');

create table sites (
  tenant_id uuid not null,
  id uuid not null,
  customer_id uuid not null,
  name text not null check (length(name) between 1 and 200),
  address text check (length(address) between 1 and 500),
  postal_code text check (postal_code ~ '^[0-9]{8}$'),
  latitude double precision check (latitude between -90 and 90),
  longitude double precision check (longitude between -180 and 180),
  active boolean not null default true,
  version integer not null default 1 check (version > 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  name_key text not null generated always as (search_text(name)) stored,
  search text not null generated always as (search_words(name || ' ' || coalesce(address, ''))) stored,
  primary key (tenant_id, id),
  foreign key (tenant_id, customer_id) references customers (tenant_id, id),
  check ((latitude is null) = (longitude is null))
);
create index sites_by_name on sites (tenant_id, name_key, id);
create index sites_by_customer on sites (tenant_id, customer_id, name_key, id);
create index sites_search on sites using gin (tenant_id, search gin_trgm_ops) with (fastupdate = off);
call secure_tenant_table('sites');


-- What clients see of a row: amounts and quantities as strings, so that no client reads them as floats.
create function product_json(product products) returns text
language sql stable parallel safe strict
return json_build_object(
  'id', product.id,
  'sku', product.sku,
  'name', product.name,
  'description', product.description,
  'category', product.category,
  'unit', product.unit,
  'base_price', product.base_price::text,
  'cost', product.cost::text,
  'barcode', product.barcode,
  'weight_kg', product.weight_kg::text,
  'volume_m3', product.volume_m3::text,
  'unit_conversions', product.unit_conversions,
  'active', product.active,
  'version', product.version,
  'created_at', product.created_at,
  'updated_at', product.updated_at
)::text;

create function customer_json(customer customers) returns text
language sql stable parallel safe strict
return json_build_object(
  'id', customer.id,
  'kind', customer.kind,
  'name', customer.name,
  'document', customer.document,
  'email', customer.email,
  'phone', customer.phone,
  'address', customer.address,
  'postal_code', customer.postal_code,
  'notes', customer.notes,
  'active', customer.active,
  'version', customer.version,
  'created_at', customer.created_at,
  'updated_at', customer.updated_at
)::text;

create function site_json(site sites) returns text
language sql stable parallel safe strict
return json_build_object(
  'id', site.id,
  'customer_id', site.customer_id,
  'name', site.name,
  'address', site.address,
  'postal_code', site.postal_code,
  'latitude', site.latitude,
  'longitude', site.longitude,
  'active', site.active,
  'version', site.version,
  'created_at', site.created_at,
  'updated_at', site.updated_at
)::text;
