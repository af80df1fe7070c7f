import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import '../../ui/base.css';
import { Panel } from './panel.tsx';
import './panel.css';
import './night.css';
import './people.css';
import './shelf.css';
import './mischief.css';

const page = document.getElementById('page');
if (page === null) throw new Error('index.html has no #page');
createRoot(page).render(
  <StrictMode>
    <Panel />
  </StrictMode>,
);
