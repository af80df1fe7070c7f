import './no-eval.ts';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { connectStation, overBridge, overSocket } from './connection.ts';
import type { Bridge } from './connection.ts';
import { keepLost, keepSnapshot } from './store.ts';
import '../ui/base.css';
import '../ui/parts.css';
import './page.css';
import './overnight.css';

declare global {
  interface Window {
    /** Present under Electron only. */
    readonly dockward?: Bridge;
  }
}

const socketUrl = (): string => {
  const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/kiosk?token=${encodeURIComponent(token)}`;
};

const station = connectStation(
  window.dockward ? overBridge(window.dockward) : overSocket(socketUrl()),
  { onSnapshot: keepSnapshot, onLost: keepLost, onNonsense: (problem) => console.error(`The station sent what this page does not understand: ${problem}`) },
  {
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  },
);

addEventListener('contextmenu', (event) => event.preventDefault());

const root = document.querySelector('#page');
if (root === null) throw new Error('index.html has no #page element');
createRoot(root).render(<App request={(command) => station.request(command)} />);
