import './zod-without-eval.ts';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { startRefreshing } from './refresh.ts';
import { followSystemTheme } from './theme.ts';
import './desk.css';
import './top-bar.css';
import './forms.css';
import './ward.css';
import './list.css';
import './sheet.css';
import './custody.css';
import './timeline.css';
import './conflict.css';
import './incident.css';
import './certificate.css';
import './mdm.css';
import './morning.css';
import './print.css';

const page = document.getElementById('page');
if (page === null) throw new Error('index.html has no #page');

followSystemTheme();
startRefreshing();
createRoot(page).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
