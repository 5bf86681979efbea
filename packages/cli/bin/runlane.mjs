#!/usr/bin/env node
// In git, and executable: what the compiler writes is neither, and npm links a command before anything is built.
import '../dist/main.js';
