import { z } from 'zod';

// Imported before any schema is made: zod would otherwise try `new Function`, which the security policy forbids.
z.config({ jitless: true });
