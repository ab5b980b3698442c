"""What every module below may use, and no reader of the package needs: checks, files, text for pages."""
