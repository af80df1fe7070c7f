// Runs in the page's own world before the page does: the page's side of the bridge. Values cross as JSON, functions by number.
(() => {
  const callbacks = new Map();
  let calls = 0;
  let answer;
  const { parse, stringify } = JSON;
  const toPreload = (said) => document.dispatchEvent(new CustomEvent(`${KEY}-to-preload`, { detail: stringify(said) }));

  const call = (method, args) => {
    const id = (calls += 1);
    toPreload({
      call: id,
      method,
      args: args.map((value) => {
        if (typeof value !== 'function') return { value };
        callbacks.set(callbacks.size + 1, value);
        return { callback: callbacks.size };
      }),
    });
    if (answer?.call !== id) throw new Error(`the preload did not answer ${method}`);
    return answer.isFunction ? () => toPreload({ returned: id }) : answer.value;
  };

  document.addEventListener(`${KEY}-to-page`, ({ detail }) => {
    const said = parse(detail);
    if (said.callback !== undefined) callbacks.get(said.callback)(...said.values);
    else if (said.exposed === undefined) answer = said;
    else {
      const api = Object.freeze(Object.fromEntries(said.methods.map((method) => [method, (...args) => call(method, args)])));
      Object.defineProperty(window, said.exposed, { value: api, enumerable: true });
    }
  });
})();
