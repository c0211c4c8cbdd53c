// Runs when an explorer's picture has loaded (`this` is the picture), which every front end reports to the page.

// Sliders of ipywidgets have no name for a screen reader; those of version 7 have no role and no value either.
for (const row of this.closest('.lesson-explorer')?.querySelectorAll('.widget-slider') ?? []) {
  const name = row.querySelector('.widget-label').textContent, readout = row.querySelector('.widget-readout');
  const handle = row.querySelector('.noUi-handle, .ui-slider-handle');
  handle.setAttribute('aria-label', name);
  if (handle.matches('.ui-slider-handle')) {
    handle.setAttribute('role', 'slider');
    handle.setAttribute('aria-valuenow', parseFloat(readout.textContent.replace('−', '-')));
  }
  readout.setAttribute('role', 'textbox');
  readout.setAttribute('aria-label', name + ', typed');
}

// Without this, the arrow keys in a list also move JupyterLab's cursor to another cell.
for (const list of this.closest('.lesson-explorer')?.querySelectorAll('select') ?? []) {
  list.setAttribute('data-lm-suppress-shortcuts', 'true');
}
