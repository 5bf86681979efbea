/**
 * What is typed over a selection is put in by the editor itself. Left to the browser, Chromium keeps the look of what was there by a
 * style attribute, which the policy of the page refuses, and says so in the console.
 */
import { EditorView } from '@codemirror/view';

export const TYPE_OVER = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { main } = view.state.selection;
    const { data: text } = event;
    if (event.inputType !== 'insertText' || !text || main.empty || view.composing) return false;
    event.preventDefault();
    const insert = () =>
      view.state.update(view.state.replaceSelection(text), { userEvent: 'input.type', scrollIntoView: true });
    // Such as brackets, which go around what is selected.
    const handled = view.state
      .facet(EditorView.inputHandler)
      .some((handle) => handle(view, main.from, main.to, text, insert));
    if (!handled) view.dispatch(insert());
    return true;
  },
});
