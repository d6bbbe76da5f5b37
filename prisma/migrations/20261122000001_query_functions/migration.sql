-- Arithmetic of conditions (src/query/operands.ts): IEEE 754 doubles as in JavaScript, where float8's own operators
-- raise an error on overflow, underflow and division by zero. Whether a result leaves the range is decided on operands
-- scaled by powers of two, which loses nothing (but that a result within one part in 2^53 of half the smallest double
-- becomes 0 where JavaScript would round it up). NULL stands for NaN, the language's undefined; NaN is never passed in.

create or replace function double_add(a float8, b float8) returns float8
language plpgsql immutable strict parallel safe as $$
declare
  half float8;
begin
  if abs(a) > 1 and abs(b) > 1 then
    half := a * 0.5 + b * 0.5;
    if half = 'NaN' then return null; end if;
    if abs(half) >= 2::float8 ^ 1023 then return sign(half) * 'Infinity'::float8; end if;
  end if;
  return a + b;
end $$;

create or replace function double_multiply(a float8, b float8) returns float8
language plpgsql immutable strict parallel safe as $$
declare
  big float8 := greatest(abs(a), abs(b));
  small float8 := least(abs(a), abs(b));
begin
  if small > 1 then
    if (big * 2::float8 ^ -512) * (small * 2::float8 ^ -512) >= 1 then
      return sign(a) * sign(b) * 'Infinity'::float8;
    end if;
  elsif small > 0 and big < 1 then
    -- The first test keeps the second from vanishing itself.
    if big < 2::float8 ^ -540 then return sign(a) * sign(b) * 0; end if;
    if (big * 2::float8 ^ 511) * (small * 2::float8 ^ 511) <= 2::float8 ^ -53 then return sign(a) * sign(b) * 0; end if;
  end if;
  return nullif(a * b, 'NaN');
end $$;

create or replace function double_divide(a float8, b float8) returns float8
language plpgsql immutable strict parallel safe as $$
declare
  x float8 := abs(a);
  y float8 := abs(b);
begin
  if y = 0 then
    -- The sign of zero counts, and only its text shows it.
    return case when x > 0 then sign(a) * (case b::text when '-0' then -1 else 1 end) * 'Infinity'::float8 end;
  elsif y = 'Infinity' then
    return case when x < 'Infinity' then a * 0 * sign(b) end;
  elsif y < 1 and x > 2::float8 ^ -60 then
    y := y * 2::float8 ^ 1023;
    if x * 0.25 >= y then return sign(a) * sign(b) * 'Infinity'::float8; end if;
    if x >= y then
      if x * 0.5 / y >= 1 then return sign(a) * sign(b) * 'Infinity'::float8; end if;
    end if;
  elsif y > 1 and x > 0 and x < 1 then
    x := x * 2::float8 ^ 1022;
    if x <= y * 2::float8 ^ -60 then return a * 0 * sign(b); end if;
    if x / y <= 2::float8 ^ -53 then return a * 0 * sign(b); end if;
  end if;
  return a / b;
end $$;

-- The remainder of a division that truncates, with the sign of the dividend: long division, each step of it exact.
create or replace function double_remainder(a float8, b float8) returns float8
language plpgsql immutable strict parallel safe as $$
declare
  rest float8 := abs(a);
  step float8 := abs(b);
begin
  if step = 0 or rest = 'Infinity' then return null; end if;
  if rest < step then return a; end if;
  while rest - step >= step loop
    step := step + step;
  end loop;
  loop
    if rest >= step then rest := rest - step; end if;
    exit when step = abs(b);
    step := step * 0.5;
  end loop;
  return case when a < 0 then -rest else rest end;
end $$;
