/** Day or night palette as this computer is set, also when it changes while the page is open. */
export function followSystemTheme(): void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const apply = (): void => {
    document.documentElement.dataset['theme'] = dark.matches ? 'night' : 'day';
  };
  dark.addEventListener('change', apply);
  apply();
}
