import { useState } from 'react';
import type { PointerEvent, ReactNode } from 'react';
import './pin-pad.css';

export interface PinPadWords {
  readonly pad: string;
  readonly delete: string;
  readonly leave: string;
  readonly enter: string;
  readonly entered: (count: number) => string;
}
interface PinPadProps {
  readonly words: PinPadWords;
  /** Beside the dots: who it is, what was wrong. */
  readonly note: ReactNode;
  readonly disabled: boolean;
  readonly fewest: number;
  readonly most: number;
  readonly onEnter: (pin: string) => void;
  readonly onLeave: () => void;
}

const PLACES = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0'];

/**
 * Keys stay where they are and digits are never shown. Only touch, or activation of a focused key, is input:
 * there is no key listener, so a badge reader posing as a keyboard types into nothing. Enter forgets what was typed;
 * for another person, give the pad another `key`.
 */
export function PinPad({ words, note, disabled, fewest, most, onEnter, onLeave }: PinPadProps): ReactNode {
  const [pin, setPin] = useState('');
  const enter = (): void => {
    setPin('');
    onEnter(pin);
  };
  return (
    <div className="pin">
      <div className="pin-state">
        <div className="pin-dots" role="img" aria-label={words.entered(pin.length)}>
          {Array.from({ length: Math.max(6, pin.length) }, (_, place) => (
            <i key={place} data-filled={place < pin.length || undefined} />
          ))}
        </div>
        {note}
      </div>
      <div className="pin-pad" role="group" aria-label={words.pad} onPointerDown={keepFocusOffKeys}>
        {PLACES.map((digit) => (
          <button key={digit} type="button" className="pin-key" data-key={digit} disabled={disabled} onClick={() => setPin(pin.length < most ? pin + digit : pin)}>
            {digit}
          </button>
        ))}
        <button type="button" className="pin-key pin-word" data-key="delete" disabled={disabled || pin === ''} onClick={() => setPin(pin.slice(0, -1))}>
          {words.delete}
        </button>
        <button type="button" className="pin-key pin-word" data-key="leave" onClick={onLeave}>
          {words.leave}
        </button>
        <button type="button" className="pin-key pin-word" data-key="enter" disabled={disabled || pin.length < fewest} onClick={enter}>
          {words.enter}
        </button>
      </div>
    </div>
  );
}

/** A touched key must not keep the focus, or the next Return on a keyboard would press it again. */
const keepFocusOffKeys = (event: PointerEvent): void => event.preventDefault();
