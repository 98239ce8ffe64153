// Content that lessons/figures/packed.py has packed.

const NOT_FINITE = 99; // stands for NaN among logarithms, where null is an exact 0
const MANTISSA = 23; // bits of a float32
const FORMS = {
  logarithm: (value) => (value === 0 ? null : Number.isFinite(value) ? Math.round(1000 * Math.log10(value)) / 1000 : NOT_FINITE),
  number: (value) => (Number.isFinite(value) ? Number(value.toPrecision(4)) : null),
};

async function unpack(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length); // a loop, for Uint8Array.from asks a function of each: five times as long
  for (let k = 0; k < letters.length; k++) bytes[k] = letters.charCodeAt(k);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const plain = new Uint8Array(await new Response(stream).arrayBuffer());
  const start = 4 + new DataView(plain.buffer).getUint32(0, true);
  const head = new TextDecoder().decode(plain.subarray(4, start));
  return JSON.parse(head, (_, value) =>
    value?.bits ? nested(numbers(plain.subarray(start + value.at), value), value.shape, FORMS[value.form]) : value);
}

// Each row of codes says what it adds to the one before; see `planes` of packed.py.
function numbers(part, { shape, bits }) {
  const count = shape.reduce((product, length) => product * length, 1);
  const row = count / shape[0];
  const whole = new Uint32Array(count);
  for (let k = 0; k < count; k++) {
    const added = part[k] | (part[count + k] << 8) | (part[2 * count + k] << 16);
    whole[k] = (k < row ? added : whole[k - row] + added) & 0xffffff;
  }
  for (let k = 0; k < count; k++) whole[k] <<= MANTISSA - bits;
  return new Float32Array(whole.buffer);
}

function nested(flat, [length, ...inner], form) {
  if (!inner.length) return Array.from(flat, form);
  const size = flat.length / length;
  return Array.from({ length }, (_, k) => nested(flat.subarray(k * size, (k + 1) * size), inner, form));
}
