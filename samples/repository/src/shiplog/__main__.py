"""`python -m shiplog`."""

import sys

from shiplog.command import main

sys.exit(main())
