// Runs in the isolated world: what a sandboxed preload gets for `require('electron')`, and the preload's side of the bridge.
// KEY names the DOM events of the bridge; RECEIVE is how the host delivers a message; __toHost is a CDP binding of this world only.
const listenersByChannel = new Map();

globalThis[RECEIVE] = (channel, message) => {
  for (const listener of listenersByChannel.get(channel) ?? []) listener({}, message);
};

const toPage = (said) => document.dispatchEvent(new CustomEvent(`${KEY}-to-page`, { detail: JSON.stringify(said) }));

const electron = {
  ipcRenderer: {
    send: (channel, message) => globalThis.__toHost(JSON.stringify({ channel, message })),
    on: (channel, listener) => {
      const listeners = listenersByChannel.get(channel) ?? [];
      listenersByChannel.set(channel, [...listeners, listener]);
    },
  },
  contextBridge: {
    exposeInMainWorld: (name, api) => {
      const undo = new Map();
      document.addEventListener(`${KEY}-to-preload`, ({ detail }) => {
        const { call, method, args, returned } = JSON.parse(detail);
        if (returned !== undefined) return undo.get(returned)?.();
        const functions = args.map((arg) => (arg.callback === undefined ? arg.value : (...values) => toPage({ callback: arg.callback, values })));
        const result = api[method](...functions);
        if (typeof result === 'function') undo.set(call, result);
        toPage({ call, isFunction: typeof result === 'function', value: typeof result === 'function' ? undefined : result });
      });
      toPage({ exposed: name, methods: Object.keys(api) });
    },
  },
};

// The bundled preload, which the host appends below, calls it.
// eslint-disable-next-line @typescript-eslint/no-unused-vars
const require = (name) => {
  if (name !== 'electron') throw new Error(`a sandboxed preload cannot load ${name}`);
  return electron;
};
