// A one-layer LSTM that reads a text in the page: forward pass, answers and saliency, from the weights in `M`.
// Shapes as in the lesson: x_t (N), h_t and c_t (H), W_x (N, 4H), W_h (H, 4H); the columns are i, f, g, o in turn.

const CUT = {  // how a text becomes tokens: each does what the Python function of the vocabulary does
  words(text) {  // text.tokenize
    const plain = text.normalize("NFC").toLowerCase().replaceAll("’", "'").replaceAll("_", " ");
    const letter = String.raw`[\p{L}\p{N}]`, mark = String.raw`(?![\uFE00-\uFE0F\u{E0100}-\u{E01EF}])[\p{Mn}\p{Mc}]`;
    return plain.match(new RegExp(String.raw`${letter}(?:${letter}|${mark})*(?:'[\p{L}\p{Nl}\p{No}]+)?`, "gu")) ?? [];
  },
  characters(text) {  // text.characters.as_words: ASCII only, a tab goes to the next multiple of 8 columns
    let column = 0;
    const tokens = [];
    for (const letter of text) {
      const code = letter.codePointAt(0), wide = letter === "\t" ? 8 - column % 8 : 1;
      column = letter === "\n" || letter === "\r" ? 0 : column + wide;
      if (letter === "\n") tokens.push("↵");
      else if (letter === "\t" || letter === " ") tokens.push(...Array(wide).fill("␣"));
      else if (code > 32 && code < 127) tokens.push(letter);
    }
    return tokens;
  },
  blanks(text) {  // str.split
    return text.split(/[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/).filter(Boolean);
  },
};

// One emoji: with its skin, its joiners and what these join; or the two letters of a flag.
const EMOJI = String.raw`\p{ExtPict}(?:[\p{M}\p{Cf}\p{EMod}]|(?<=\u200d)\p{ExtPict})*|\p{RI}\p{RI}`;

const bytes = data => Uint8Array.from(atob(data), letter => letter.charCodeAt(0)).buffer;
const unpack = ({ scale, scales, bits = 16, data }) => {  // whole numbers times a scale, or times one for each row; or floats
  if (bits === 32) return Float64Array.from(new Float32Array(bytes(data)));
  const whole = bits === 8 ? new Int8Array(bytes(data)) : new Int16Array(bytes(data));
  if (!scales) return Float64Array.from(whole, v => v * scale);
  const rows = new Float32Array(bytes(scales)), wide = whole.length / rows.length;
  return Float64Array.from(whole, (v, k) => v * rows[Math.floor(k / wide)]);
};
const sigmoid = z => 1 / (1 + Math.exp(-z));

function makeModel(M) {
  const { inputs: N, units: H, classes: K, most, split, follows, apart, verbs = [] } = M;
  const weight = name => Float32Array.from(unpack(M.weights[name])), cell = name => weight("lstm.cells.0." + name);
  const side_by_side = (name, rows) => {  // the matrices of i, f, g and o as one, (rows, 4H)
    const all = new Float32Array(rows * 4 * H);
    [..."ifco"].forEach((letter, k) => {  // the weights of the candidate g have the letter c
      const one = cell(name + letter);
      for (let row = 0; row < rows; row++) all.set(one.subarray(row * H, (row + 1) * H), row * 4 * H + k * H);
    });
    return all;
  };
  const W_x = side_by_side("W_x", N), W_h = side_by_side("W_h", H), b = side_by_side("b_", 1);
  const embedding = weight("embedding.weight"), W_out = weight("linear.weight"), b_out = weight("linear.bias");  // (words, N), (K, H), (K)
  const square = one => one.length > H || H === 1 ? one : Float32Array.from({ length: H * H }, (_, k) => k % (H + 1) ? 0 : one[k % H]);
  const W_c = "lstm.cells.0.W_ci" in M.weights ? Object.fromEntries([..."ifo"].map(k => [k, square(cell("W_c" + k))])) : null;  // peephole
  const ids = new Map(M.tokens.map((token, k) => [token, k + 2]));  // 0 is padding, 1 an unknown word

  const add = (sum, from, values, W, wide) => {  // sum (wide) += values @ W, four rows of W at a time: this is where the time goes
    let n = 0;
    for (; n + 3 < values.length; n += 4) {
      const [p, q, r, s] = values.subarray(n, n + 4);
      for (let k = 0, a = n * wide, b = a + wide, c = b + wide, d = c + wide; k < wide; k++)
        sum[from + k] += p * W[a + k] + q * W[b + k] + r * W[c + k] + s * W[d + k];
    }
    for (; n < values.length; n++) for (let k = 0, v = values[n], row = n * wide; k < wide; k++) sum[from + k] += v * W[row + k];
  };
  const addBack = (sum, from, values, W, wide) => {  // sum += W @ values
    for (let n = 0; n < sum.length; n++) {
      let total = 0;
      for (let k = 0, row = n * wide; k < wide; k++) total += W[row + k] * values[from + k];
      sum[n] += total;
    }
  };

  let before = { words: [], v: {} };
  // The values of every step, each (T, H), and the logits (T, K).
  function forward(words) {
    const T = words.length, v = { logits: new Float64Array(T * K) };
    for (const name of "ifgoch") v[name] = new Float64Array(T * H);
    let same = 0;  // words at the start that the last text had, too: their values are there
    while (same < Math.min(T, before.words.length) && words[same] === before.words[same]) same++;
    for (const name in v) v[name].set(before.v[name]?.subarray(0, same * v[name].length / T) ?? []);
    let h = same ? v.h.subarray((same - 1) * H, same * H) : new Float64Array(H), c = same ? v.c.subarray((same - 1) * H, same * H) : new Float64Array(H);
    const z = new Float64Array(4 * H);
    for (let t = same; t < T; t++) {
      const now = t * H;
      z.set(b);
      add(z, 0, embedding.subarray(words[t] * N, (words[t] + 1) * N), W_x, 4 * H);
      add(z, 0, h, W_h, 4 * H);
      if (W_c) { add(z, 0, c, W_c.i, H); add(z, H, c, W_c.f, H); }
      for (let u = 0; u < H; u++) {
        v.i[now + u] = sigmoid(z[u]); v.f[now + u] = sigmoid(z[H + u]); v.g[now + u] = Math.tanh(z[2 * H + u]);
        v.c[now + u] = v.f[now + u] * c[u] + v.i[now + u] * v.g[now + u];
      }
      c = v.c.subarray(now, now + H);
      if (W_c) add(z, 3 * H, c, W_c.o, H);
      for (let u = 0; u < H; u++) { v.o[now + u] = sigmoid(z[3 * H + u]); v.h[now + u] = v.o[now + u] * Math.tanh(c[u]); }
      h = v.h.subarray(now, now + H);
      for (let k = 0; k < K; k++) {
        let sum = b_out[k];
        for (let u = 0; u < H; u++) sum += W_out[k * H + u] * h[u];
        v.logits[t * K + k] = sum;
      }
    }
    before = { words, v };
    return v;
  }
  const softmax = logits => {
    const most = Math.max(...logits), shares = logits.map(v => Math.exp(v - most)), sum = shares.reduce((a, v) => a + v, 0);
    return shares.map(v => v / sum);
  };
  const logOdds = logits => {  // of the last class against all others; of one logit it is the logit
    const others = logits.subarray(0, K - 1), most = Math.max(...others);
    return K === 1 ? logits[0] : logits[K - 1] - most - Math.log(others.reduce((sum, v) => sum + Math.exp(v - most), 0));
  };

  // The gradient of a class's log odds after these words by each word's embedding: its length, and its product with the embedding.
  function saliency(words, v, of = K - 1) {
    const T = words.length, norm = [], effect = [], others = v.logits.slice((T - 1) * K, T * K);
    others[of] = -Infinity;
    const slope = K === 1 ? [1] : softmax(others).map(share => -share);
    slope[of] = 1;
    let dh = new Float64Array(H), dc = new Float64Array(H);
    for (let k = 0; k < K; k++) for (let u = 0; u < H; u++) dh[u] += slope[k] * W_out[k * H + u];
    for (let t = T - 1; t >= 0; t--) {
      const now = t * H, dz = new Float64Array(4 * H), before = u => t ? v.c[now - H + u] : 0;
      for (let u = 0; u < H; u++) {
        const o = v.o[now + u], tanh = Math.tanh(v.c[now + u]);
        dz[3 * H + u] = dh[u] * tanh * o * (1 - o);
        dc[u] += dh[u] * o * (1 - tanh * tanh);
      }
      if (W_c) addBack(dc, 3 * H, dz, W_c.o, H);
      for (let u = 0; u < H; u++) {
        const i = v.i[now + u], f = v.f[now + u], g = v.g[now + u];
        dz[u] = dc[u] * g * i * (1 - i); dz[H + u] = dc[u] * before(u) * f * (1 - f); dz[2 * H + u] = dc[u] * i * (1 - g * g);
      }
      const dx = new Float64Array(N), x = embedding.subarray(words[t] * N, (words[t] + 1) * N);
      addBack(dx, 0, dz, W_x, 4 * H);
      norm[t] = Math.sqrt(dx.reduce((sum, d) => sum + d * d, 0));
      effect[t] = dx.reduce((sum, d, n) => sum + d * x[n], 0);
      dc = dc.map((d, u) => d * v.f[now + u]);
      if (W_c) { addBack(dc, 0, dz, W_c.i, H); addBack(dc, H, dz, W_c.f, H); }
      dh = new Float64Array(H);
      addBack(dh, 0, dz, W_h, 4 * H);
    }
    return { saliency: norm, effect, of };
  }

  // With `apart`, a text is first written as the vocabulary writes it: small letters, signs apart, any number of _ as ___.
  const sign = new RegExp(EMOJI + String.raw`|[^\p{L}\p{N}\p{M}\s_'’-]`, "gu"), unseen = /^\p{Cf}$/u;  // a joiner alone is dropped
  const plain = text => apart ? text.toLowerCase().replace(/_+/g, " ___ ").replace(sign, found => unseen.test(found) ? "" : ` ${found} `) : text;
  const cut = text => CUT[split](plain(text));
  return {
    tokens: cut,
    read(text) {  // a text, or a list of tokens
      const all = typeof text === "string" ? cut(text) : text, tokens = all.slice(0, most);
      const known = tokens.map(token => ids.has(token)), words = tokens.map(token => ids.get(token) ?? 1);
      const { logits, ...values } = forward(words), at = t => logits.subarray(t * K, (t + 1) * K);
      const next = t => softmax(at(t));  // the probabilities of all classes after step t
      if (follows) {
        const score = words.map((_, t) => next(t)[words[t + 1] - 2] ?? NaN);  // none at the end, and none for an unknown word
        const last = at(words.length - 1);
        let found;  // for the likeliest next character, when it is asked for: it takes as long as reading the text
        const more = () => found ??= saliency(words, { ...values, logits }, last.indexOf(Math.max(...last)));
        return { tokens, known, all: all.length, values, next, score, more };
      }
      const end = tokens.findLastIndex(token => verbs.includes(token)) + 1 || words.length;  // the answer is that at the last verb
      const more = words.length ? saliency(words.slice(0, end), { ...values, logits }) : { saliency: [], effect: [] };
      for (const values of [more.saliency, more.effect]) while (values.length < words.length) values.push(0);
      return { tokens, known, all: all.length, values, next, score: words.map((_, t) => sigmoid(logOdds(at(t)))), ...more };
    },
  };
}
