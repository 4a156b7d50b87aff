"""Ask for a depth map and a prompt, paint, save to output_images/: the earlier program's entry point."""

import sys

try:
    from depthpaint.__main__ import main
except ModuleNotFoundError as error:
    sys.exit(f"depthpaint is not installed ({error.name} is missing): pip install -r requirements.txt")

if __name__ == "__main__":
    sys.argv[1:] = []
    main()
