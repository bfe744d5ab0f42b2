/** A kind of trace without types of its own. */
declare module 'plotly.js/src/traces/scattergl/strict';
