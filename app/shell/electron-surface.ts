/** All of Electron that the shell touches, handed in by main.ts, so that the same code runs against a double in tests. */
export type ElectronSurface = Pick<
  typeof import('electron'),
  'app' | 'BrowserWindow' | 'ipcMain' | 'Menu' | 'MessageChannelMain' | 'powerSaveBlocker' | 'protocol' | 'session' | 'utilityProcess'
>;
