import { useState } from 'react';

/** Puts `text` on the clipboard and says so; where that is not allowed, says what to do instead. */
export function CopyButton({ text, what, look = 'plain' }: { text: string; what: string; look?: 'plain' | 'link' }) {
  const [outcome, setOutcome] = useState<{ readonly text: string; readonly copied: boolean }>();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome({ text, copied: true });
    } catch (error) {
      if (!(error instanceof DOMException || error instanceof TypeError)) throw error;
      setOutcome({ text, copied: false });
    }
  };
  const said = outcome?.text === text ? outcome : undefined;
  return (
    <button type="button" className={look} onClick={() => void copy()}>
      {said === undefined ? `Copy ${what}` : said.copied ? 'Copied' : 'Not allowed here: select it and copy'}
    </button>
  );
}
