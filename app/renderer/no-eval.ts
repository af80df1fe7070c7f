import { z } from 'zod';

/** Must run before the first schema is built: the page's content security policy has no `unsafe-eval`. */
z.config({ jitless: true });
